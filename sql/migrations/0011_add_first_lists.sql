-- What requests with the same prompt have in common, to notice a change of the served model (docs/decisions/0019).

alter table step_logit_summaries
add column prompt_digest bigint,
add column first_tokens integer[],
add column first_logprobs real[];

comment on column step_logit_summaries.prompt_digest is
'BLAKE2b-64 of the prompt and the settings that determine the distribution of the first token. Null if unknown.';
comment on column step_logit_summaries.first_tokens is
'Up to 20 most likely first tokens. A token without an id has a negative digest of its text. Null without a list.';
comment on column step_logit_summaries.first_logprobs is 'Log-probabilities of first_tokens, in nats.';
