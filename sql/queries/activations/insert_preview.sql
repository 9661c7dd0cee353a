-- Insert the texts and features of a run.
insert into activation_previews (run_id, prompt, output_text, output_token_ids, sae_top_k, answer, answer_bytes)
values (
    %(run_id)s,
    %(prompt)s,
    %(output_text)s,
    %(output_token_ids)s::bigint[],
    %(sae_top_k)s,
    %(answer)s,
    %(answer_bytes)s
)
