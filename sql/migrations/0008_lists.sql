-- The order in which a collection's requests are listed, so that a query reads only one page.
create index collection_members_newest on collection_members (collection_id, added_at desc, request_pk desc);

drop index collection_members_collection;

-- Index entries have a maximum size. Ingest truncates models as well, and the document has the whole text.
update requests
set model = substr(model, 1, 500)
where length(model) > 500;
