-- Delete an alert and its events.
delete from alerts
where id = %(id)s
