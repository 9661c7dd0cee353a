-- List a page of the stored answers of activation runs.
select
    run_id,
    answer
from activation_previews
where run_id > %(after)s
order by run_id
limit %(limit)s
