-- Release a request from legal hold.
delete from legal_holds
where request_pk = %(request_pk)s
returning request_pk
