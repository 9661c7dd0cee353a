-- During a rotation of the secret: names for the keys of owners that have moved, and owners that wait although all
-- their keys are revoked or expired.

-- A process that has only the previous secret sends the HMAC and the label under it.
create or replace function mask_key(said storable_text) returns text language sql stable
return coalesce(
    (
        select api_keys.name from api_keys
        where api_keys.key_hash = said.key_hash -- noqa: RF01
    ),
    (
        select former_owners.present_label from former_owners
        where
            former_owners.user_key_hmac = substr(said.user_key_hmac, 1, 32) -- noqa: RF01
            and former_owners.present_hmac is not null
    ),
    case
        when exists (
            select from requests
            where requests.user_key_hmac in (
                substr(said.user_key_hmac, 1, 32), -- noqa: RF01
                substr(said.user_key_hmac, 33) -- noqa: RF01
            )
        )
        or exists (
            select from api_keys
            where api_keys.user_key_hmac in (
                substr(said.user_key_hmac, 1, 32), -- noqa: RF01
                substr(said.user_key_hmac, 33) -- noqa: RF01
            )
        ) then said.label
        else said.text
    end
);

-- A second function with a default would be ambiguous. Calls with one argument still work.
-- squawk-ignore ban-drop-function
drop function has_rows;

create function has_rows(owner bytea, only_live boolean default false) returns boolean language plpgsql stable as $$
begin
    return
        exists (
            select from requests
            where requests.user_key_hmac = has_rows.owner
        )
        or exists (
            select from api_keys
            where api_keys.user_key_hmac = has_rows.owner and (not only_live or is_live(api_keys))
        )
        or exists (
            select from collections
            where collections.user_key_hmac = has_rows.owner
        )
        or exists (
            select from alerts
            where alerts.user_key_hmac = has_rows.owner
        )
        or exists (
            select from calibrators
            where calibrators.user_key_hmac = has_rows.owner
        )
        or exists (
            select from activation_runs
            where activation_runs.user_key_hmac = has_rows.owner
        );
end
$$;

comment on function has_rows is 'Whether an owner owns anything or, if only_live, anything but revoked and expired keys.';
