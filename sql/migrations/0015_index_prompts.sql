-- Find the requests with the same prompt, for GET /v1/confidence/{request_id}/peers and /alternatives.

create index step_logit_summaries_of_prompt on step_logit_summaries (prompt_digest, request_pk)
where prompt_digest is not null;
