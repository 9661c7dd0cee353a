-- Set the statement timeout of this transaction.
select set_config('statement_timeout', %(milliseconds)s::text, true)
