-- Begin a transaction.
begin
