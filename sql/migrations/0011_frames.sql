-- What the two frames of a trace hold since docs/decisions/0011; those of before are read as well.
comment on column request_traces.document is
'One zstd frame: the body as it was posted, labels in place of users'' keys; a NUL stands for each list that the log has.';
comment on column request_traces.log is
'One zstd frame: the part of GET /logs/{id} that never changes, made at ingest; its lists are those of the document.';
