-- Delete finished events that are old.
delete from alert_events
where finished_at < now() - make_interval(days => %(days)s::integer)
