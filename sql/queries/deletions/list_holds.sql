-- List the requests on legal hold, last set first.
select
    requests.request_id,
    legal_holds.reason,
    legal_holds.held_by,
    legal_holds.held_at
from legal_holds
inner join requests on legal_holds.request_pk = requests.id
order by legal_holds.held_at desc, legal_holds.request_pk desc
limit %(limit)s offset %(offset)s
