-- The states below mirror the constants of package sdp; TestEnumsMirrorDomain fails when they drift apart.
CREATE TYPE node_type AS ENUM ('MICRO', 'GATEWAY', 'INFRA');
CREATE TYPE repository_kind AS ENUM ('go', 'dockerfile');
CREATE TYPE sandbox_state AS ENUM ('ACTIVE', 'SUSPENDED', 'EXPIRED', 'DELETED');
CREATE TYPE route_source AS ENUM ('sandbox', 'ocp', 'url');
CREATE TYPE deployment_state AS ENUM ('QUEUED', 'FETCHING', 'CHECKOUT', 'BUILDING', 'CREATING_IMAGE',
    'STARTING_CONTAINER', 'RUNNING', 'FAILED', 'STOPPED', 'CANCELLED');
CREATE TYPE container_state AS ENUM ('STARTING', 'SERVING', 'RETIRING', 'STOPPED', 'REMOVED');
CREATE TYPE operation_kind AS ENUM ('create', 'restart', 'stop', 'route', 'delete');
CREATE TYPE operation_state AS ENUM ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED');
CREATE TYPE outcome AS ENUM ('accepted', 'succeeded', 'refused', 'failed', 'cancelled');

-- Every change is announced on one channel: a listener holds one connection however many things it watches. The
-- announcement is part of the transaction that makes the change, so nobody hears of what was rolled back.
CREATE FUNCTION sdp_notify(topic text, id text, sandbox text, log_offset bigint) RETURNS boolean LANGUAGE sql AS $$
    SELECT pg_notify('sdp',
        json_build_object('topic', topic, 'id', id, 'sandbox', sandbox, 'offset', log_offset)::text);
    SELECT true
$$;

CREATE TABLE nodes (
    name           text PRIMARY KEY,
    type           node_type NOT NULL,
    address        text NOT NULL,
    mesh_port      integer NOT NULL CHECK (mesh_port BETWEEN 0 AND 65535),
    port_first     integer NOT NULL DEFAULT 0,
    port_last      integer NOT NULL DEFAULT 0,
    key_id         text NOT NULL DEFAULT '',
    public_key     bytea,
    builds         integer NOT NULL DEFAULT 0,
    version        text NOT NULL DEFAULT '',
    docker_version text NOT NULL DEFAULT '',
    registered_at  timestamptz NOT NULL DEFAULT now(),
    last_seen      timestamptz NOT NULL DEFAULT now(),
    health         jsonb NOT NULL DEFAULT '{}',
    CHECK (port_first = 0 AND port_last = 0 OR 1 <= port_first AND port_first <= port_last AND port_last <= 65535)
);

-- A repository that left its node's configuration keeps its row, because sandboxes may still run it.
CREATE TABLE repositories (
    name         text PRIMARY KEY,
    node         text NOT NULL REFERENCES nodes,
    kind         repository_kind NOT NULL,
    remote_url   text NOT NULL DEFAULT '' CHECK (remote_url !~ '^[a-z+]+://[^/]*:[^/]*@'),
    port         integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    health_path  text NOT NULL DEFAULT '',
    ocp          text NOT NULL DEFAULT '',
    upstream_env text NOT NULL DEFAULT '',
    removed_at   timestamptz
);
CREATE INDEX repositories_node ON repositories (node);

-- Services of the shared environment that no repository here provides, from the server's configuration.
CREATE TABLE shared_services (
    name text PRIMARY KEY,
    url  text NOT NULL CHECK (url ~ '^https?://'),
    port integer NOT NULL CHECK (port BETWEEN 1 AND 65535)
);

-- A name is free again once its sandbox is DELETED, hence the key of its own.
CREATE TABLE sandboxes (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$'),
    state         sandbox_state NOT NULL DEFAULT 'ACTIVE',
    owner         text NOT NULL,
    description   text NOT NULL DEFAULT '',
    environment   text NOT NULL DEFAULT '',
    gateway       text NOT NULL DEFAULT '',
    gateway_node  text REFERENCES nodes,
    port          integer CHECK (port BETWEEN 1 AND 65535),
    route_version bigint NOT NULL DEFAULT 1,
    deleting      boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now(),
    deleted_at    timestamptz,
    CHECK ((state = 'DELETED') = (deleted_at IS NOT NULL)),
    CHECK ((gateway_node IS NULL) = (port IS NULL)),
    CHECK (NOT (deleting AND state = 'DELETED'))
);
CREATE UNIQUE INDEX sandboxes_live_name ON sandboxes (name) WHERE state <> 'DELETED';
CREATE UNIQUE INDEX sandboxes_live_port ON sandboxes (gateway_node, port) WHERE state <> 'DELETED';
CREATE INDEX sandboxes_name ON sandboxes (name);

-- Ports of a node's range that some other program was found to hold; they are not given out until they are forgotten.
CREATE TABLE foreign_ports (
    node  text NOT NULL REFERENCES nodes,
    port  integer NOT NULL,
    why   text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (node, port)
);

-- container_name is unique because "sandbox-<sandbox>-<service>" is the same for sandbox "a-b" with service "c" and
-- sandbox "a" with service "b-c". It is NULL while the service has no container of its own.
CREATE TABLE sandbox_services (
    sandbox_id     bigint NOT NULL REFERENCES sandboxes,
    name           text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$'),
    branch         text NOT NULL DEFAULT '',
    source         route_source NOT NULL DEFAULT 'ocp',
    url            text NOT NULL DEFAULT '',
    env            jsonb NOT NULL DEFAULT '{}',
    secrets        jsonb NOT NULL DEFAULT '{}',
    container_name text CONSTRAINT sandbox_services_container_name UNIQUE,
    PRIMARY KEY (sandbox_id, name),
    CHECK (CASE source WHEN 'url' THEN url ~ '^https?://' ELSE url = '' END)
);

CREATE TABLE deployments (
    id           text PRIMARY KEY,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    sandbox_id   bigint NOT NULL REFERENCES sandboxes,
    service      text NOT NULL,
    repository   text NOT NULL REFERENCES repositories,
    node         text NOT NULL REFERENCES nodes,
    environment  text NOT NULL DEFAULT '',
    branch       text NOT NULL DEFAULT '',
    sha          text NOT NULL DEFAULT '' CHECK (sha ~ '^([0-9a-f]{40})?$'),
    image        text NOT NULL DEFAULT '',
    state        deployment_state NOT NULL DEFAULT 'QUEUED',
    waiting_for  text NOT NULL DEFAULT '',
    failure      jsonb,
    requested_by text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    submitted_at timestamptz,
    started_at   timestamptz,
    finished_at  timestamptz,
    steps        jsonb NOT NULL DEFAULT '[]',
    credentials  jsonb,
    CHECK (branch <> '' OR sha <> ''),
    CHECK (state = 'QUEUED' OR waiting_for = ''),
    CHECK (failure IS NULL OR state IN ('FAILED', 'CANCELLED')),
    CHECK ((state IN ('RUNNING', 'FAILED', 'STOPPED', 'CANCELLED')) = (finished_at IS NOT NULL)),
    CHECK (credentials IS NULL OR finished_at IS NULL),
    CHECK (state <> 'RUNNING' OR sha <> '')
);
CREATE UNIQUE INDEX deployments_seq ON deployments (seq);
CREATE INDEX deployments_service ON deployments (sandbox_id, service, seq DESC);
CREATE INDEX deployments_unsettled ON deployments (sandbox_id) WHERE finished_at IS NULL;

-- A container is one generation of a service: what one deployment started.
CREATE TABLE containers (
    deployment      text PRIMARY KEY REFERENCES deployments,
    sandbox_id      bigint NOT NULL REFERENCES sandboxes,
    service         text NOT NULL,
    node            text NOT NULL REFERENCES nodes,
    docker_id       text NOT NULL DEFAULT '',
    address         text NOT NULL DEFAULT '',
    sha             text NOT NULL CHECK (sha ~ '^[0-9a-f]{40}$'),
    image           text NOT NULL,
    state           container_state NOT NULL,
    -- What answered for the service before this container did, so that a switch no router confirmed can be taken back.
    replaced        text NOT NULL DEFAULT '',
    replaced_source route_source,
    replaced_url    text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CHECK (state <> 'SERVING' OR address <> '' AND replaced_source IS NOT NULL)
);
CREATE UNIQUE INDEX containers_one_serving ON containers (sandbox_id, service) WHERE state = 'SERVING';
CREATE INDEX containers_sandbox ON containers (sandbox_id) WHERE state <> 'REMOVED';
CREATE INDEX containers_node ON containers (node) WHERE state <> 'REMOVED';

CREATE TABLE operations (
    id           text PRIMARY KEY,
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    kind         operation_kind NOT NULL,
    sandbox_id   bigint NOT NULL REFERENCES sandboxes,
    service      text NOT NULL DEFAULT '',
    source       route_source,
    url          text NOT NULL DEFAULT '',
    state        operation_state NOT NULL DEFAULT 'QUEUED',
    waiting_for  text NOT NULL DEFAULT '',
    failure      jsonb,
    requested_by text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    submitted_at timestamptz,
    finished_at  timestamptz,
    CHECK ((kind = 'route') = (source IS NOT NULL)),
    CHECK ((kind IN ('create', 'delete')) = (service = '')),
    CHECK (state = 'QUEUED' OR waiting_for = ''),
    CHECK (failure IS NULL OR state IN ('FAILED', 'CANCELLED')),
    CHECK ((state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')) = (finished_at IS NOT NULL))
);
CREATE INDEX operations_sandbox ON operations (sandbox_id, seq DESC);
CREATE INDEX operations_unsettled ON operations (sandbox_id) WHERE finished_at IS NULL;
-- Two deletes of one sandbox would tear down under each other.
CREATE UNIQUE INDEX operations_one_delete ON operations (sandbox_id) WHERE kind = 'delete' AND finished_at IS NULL;
