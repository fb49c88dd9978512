-- A new value of an enum cannot be used in the transaction that adds it, hence the casts to text in the checks below.
ALTER TYPE operation_kind ADD VALUE 'apply';
ALTER TYPE operation_kind ADD VALUE 'clone';
ALTER TYPE operation_kind ADD VALUE 'restore';

-- Sealed values are opened with the context "environment:<id>/<key or path>", so that a copied row cannot be opened
-- elsewhere and a deleted environment's name can be used again.
CREATE TABLE environments (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    description text NOT NULL DEFAULT '',
    owner       text NOT NULL,
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
);
CREATE UNIQUE INDEX environments_live_name ON environments (name) WHERE deleted_at IS NULL;

-- A version never changes. An entry that stays the same from one version to the next keeps its sealed bytes, so that
-- equal bytes mean equal values. secrets: {"KEY": "<base64>"}; files: {"/path": {"size": 1, "content": "<base64>"}}.
CREATE TABLE environment_versions (
    environment_id bigint NOT NULL REFERENCES environments,
    version        integer NOT NULL CHECK (version > 0),
    variables      jsonb NOT NULL DEFAULT '{}',
    secrets        jsonb NOT NULL DEFAULT '{}',
    files          jsonb NOT NULL DEFAULT '{}',
    author         text NOT NULL,
    note           text NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (environment_id, version)
);

-- Sandboxes name their environment; one in use cannot be deleted.
ALTER TABLE sandboxes
    ADD COLUMN labels              jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN environment_version integer NOT NULL DEFAULT 0,
    ADD COLUMN variables           jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN secrets             jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN limits              jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN idle_after          interval,
    ADD COLUMN delete_after        interval;
CREATE INDEX sandboxes_environment ON sandboxes (environment) WHERE state <> 'DELETED';

ALTER TABLE sandbox_services
    ADD COLUMN commit      text NOT NULL DEFAULT '' CHECK (commit ~ '^([0-9a-f]{40})?$'),
    ADD COLUMN track       boolean NOT NULL DEFAULT false,
    ADD COLUMN branch_gone timestamptz,
    ADD COLUMN limits      jsonb NOT NULL DEFAULT '{}',
    ADD CHECK (NOT track OR branch <> '');

ALTER TABLE repositories ADD COLUMN variables jsonb NOT NULL DEFAULT '{}';
ALTER TABLE nodes ADD COLUMN limits jsonb NOT NULL DEFAULT '{}';

-- change is what an apply, a clone or a restore carries out; before is what it replaced, to be put back if all of it
-- must go or nothing. Both hold sealed secrets at most.
ALTER TABLE operations
    ADD COLUMN change jsonb,
    ADD COLUMN before jsonb;
ALTER TABLE operations DROP CONSTRAINT operations_check1;
ALTER TABLE operations
    ADD CONSTRAINT operations_service CHECK ((kind::text IN ('create', 'delete', 'apply', 'clone', 'restore')) = (service = '')),
    ADD CONSTRAINT operations_change CHECK ((kind::text IN ('apply', 'clone', 'restore')) = (change IS NOT NULL));

-- A part of an apply is started by it, not handed to the sandbox's workflow by itself.
ALTER TABLE deployments
    ADD COLUMN operation           text REFERENCES operations,
    ADD COLUMN environment_version integer NOT NULL DEFAULT 0,
    ADD COLUMN settings_digest     text NOT NULL DEFAULT '';
CREATE INDEX deployments_operation ON deployments (operation) WHERE operation IS NOT NULL;
CREATE INDEX deployments_image ON deployments (node, image) WHERE image <> '';

CREATE TABLE templates (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    description text NOT NULL DEFAULT '',
    owner       text NOT NULL,
    parameters  jsonb NOT NULL DEFAULT '[]',
    spec        jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

-- secrets: {"": {"KEY": "<sealed>"}, "<service>": {...}}, sealed as they were in the sandbox.
CREATE TABLE snapshots (
    id          text PRIMARY KEY,
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    sandbox_id  bigint NOT NULL REFERENCES sandboxes,
    name        text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
    description text NOT NULL DEFAULT '',
    author      text NOT NULL,
    spec        jsonb NOT NULL,
    secrets     jsonb NOT NULL DEFAULT '{}',
    images      jsonb NOT NULL DEFAULT '[]',
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (sandbox_id, name)
);

-- Git credentials somebody stored so that branches can be watched while nobody is signed in. Sealed with the context
-- "tracking/<user>".
CREATE TABLE tracking_credentials (
    user_name  text PRIMARY KEY,
    sealed     bytea NOT NULL,
    problem    text NOT NULL DEFAULT '', -- why they do not work any more
    stored_at  timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz
);
