-- Delete all traces, collections and alerts, and everything attached to them.
truncate table actions, step_logit_summaries, request_steps, requests, mod_blocks, mods, collections, alerts
restart identity cascade
