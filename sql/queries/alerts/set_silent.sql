-- Note whether the present silence of an alert has had its event.
update alerts
set is_silent = %(is_silent)s
where id = %(id)s
