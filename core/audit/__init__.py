"""The audit log: changes of keys and legal holds, publications, deletions, adoptions and clears."""
