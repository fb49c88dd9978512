-- Nodes that take no new work, and nodes that are given up. The row of a removed node stays, because history names it.
-- tokens_since is when the node was removed last: it registers again only with a token issued later. token_issued is when
-- the one was issued that it registered with, NULL for one that does not say.
ALTER TABLE nodes
    ADD COLUMN cordoned_at  timestamptz,
    ADD COLUMN cordoned_by  text NOT NULL DEFAULT '',
    ADD COLUMN removed_at   timestamptz,
    ADD COLUMN removed_by   text NOT NULL DEFAULT '',
    ADD COLUMN tokens_since timestamptz,
    ADD COLUMN token_issued timestamptz,
    ADD CHECK ((cordoned_at IS NULL) = (cordoned_by = '')),
    ADD CHECK ((removed_at IS NULL) = (removed_by = ''));
CREATE INDEX deployments_node_unsettled ON deployments (node) WHERE finished_at IS NULL;
