comment on table outcomes is 'The latest outcome of a request from each source. Null: the source withdrew it.';
comment on column outcomes.source is 'Source of the outcome: a test suite, a person, another model.';
