-- Verify the hash chain of the deletion receipts.
with
linked as (
    select
        deletions.place,
        deletions.chain,
        lag(deletions.place, 1, 0::bigint) over in_order as place_before,
        receipt_hash(deletions, lag(deletions.chain, 1, ''::bytea) over in_order) as expected
    from deletions
    window in_order as (order by deletions.place)
)

select
    count(linked.place) as receipts,
    deletion_chain.place as recorded,
    min(linked.place) filter (
        where linked.chain != linked.expected or linked.place != linked.place_before + 1
    ) as broken_at,
    coalesce((array_agg(linked.chain order by linked.place desc))[1], '') = deletion_chain.chain as ends_as_recorded
from deletion_chain
left join linked on deletion_chain.only_row
group by deletion_chain.place, deletion_chain.chain
