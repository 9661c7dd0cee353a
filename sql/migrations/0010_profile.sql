-- A request's course in few numbers, for a small picture of it in the feed. Null for what was stored before.
alter table requests add column group_confidence real[];

comment on column requests.group_confidence is
'Nats: the weakest window of 32 tokens in each of up to 32 equal parts of the request, in order.';
