-- Wait until all writers have finished, and block new ones until the transaction ends.
-- Each writer locks the environment row (hold_stamp), so updating that row waits for all of them.
update environment
set app_name = app_name
returning app_name
