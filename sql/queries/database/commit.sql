-- Commit the transaction.
commit
