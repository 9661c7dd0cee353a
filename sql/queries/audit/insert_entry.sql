-- Append an entry to the audit log.
insert into audit_log (actor, action, subject, details)
values (%(actor)s, %(action)s, %(subject)s, %(details)s)
