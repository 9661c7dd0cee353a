-- Verify the hash chain of the deletion receipts.
with
linked as (
    select
        deletions.ordinal,
        deletions.chain,
        lag(deletions.ordinal, 1, 0::bigint) over in_order as previous,
        receipt_hash(deletions, lag(deletions.chain, 1, ''::bytea) over in_order) as expected
    from deletions
    window in_order as (order by deletions.ordinal)
)

select
    count(linked.ordinal) as receipts,
    deletion_chain.receipts as recorded,
    min(linked.ordinal) filter (
        where linked.chain != linked.expected or linked.ordinal != linked.previous + 1
    ) as broken_at,
    coalesce((array_agg(linked.chain order by linked.ordinal desc))[1], '') = deletion_chain.chain as ends_as_recorded
from deletion_chain
left join linked on deletion_chain.only_row
group by deletion_chain.receipts, deletion_chain.chain
