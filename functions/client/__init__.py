"""The calls that manage.py makes to a running Thunder, over HTTP like anybody else."""
