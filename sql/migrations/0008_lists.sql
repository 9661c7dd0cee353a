-- A collection's requests in the order they are shown: a page is read and no more.
create index collection_members_newest on collection_members (collection_id, added_at desc, request_pk desc);

drop index collection_members_collection;

-- No index holds a text of any length; ingest cuts these, too, and the document has them whole.
update requests
set model = substr(model, 1, 500)
where length(model) > 500;
