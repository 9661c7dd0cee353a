-- Insert a collection, or return the owner's existing collection with that name.
-- The update changes nothing. It makes `returning` include the existing row.
insert into collections (name, description, created_by, user_key_hmac)
values (%(name)s, %(description)s::text, %(created_by)s::text, %(owner)s::bytea)
on conflict on constraint collections_name_key do update
    set name = excluded.name
returning
    collections.id,
    collections.name,
    collections.description,
    collections.created_at,
    collections.updated_at,
    collections.created_by,
    collections.share_nonce,
    request_count(collections) as request_count,
    xmax = 0 as is_new
