-- Delete all traces, collections, calibrators and alerts, and everything attached to them.
truncate table
actions,
step_logit_summaries,
request_steps,
requests,
mod_blocks,
mods,
collections,
calibrators,
alerts,
former_owners
restart identity cascade
