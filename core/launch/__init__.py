"""What `manage.py run` decides before it serves: settings, the admin key, who may post, what to print."""
