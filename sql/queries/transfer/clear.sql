-- Delete all traces and collections and everything attached to them.
truncate table actions, step_logit_summaries, request_steps, requests, mod_blocks, mods, collections
restart identity cascade
