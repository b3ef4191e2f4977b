"""For every fact of sdk-usage 19 (normalisation) and 20 (pitfalls): the tests that hold costspan to it."""

from __future__ import annotations

_CONFORMANCE = "conformance/test_sdks.py::test_the_host_sees_what_the_bare_sdk_shows"
_OPENAI = "conformance/test_openai.py::test_the_host_sees_what_the_bare_sdk_shows"
_LIVES = "conformance/test_openai_streams.py::"
_HOSTS = "adapters/test_hosts_usage.py::"
_HERE = "adapters/test_where_others_are_wrong.py::"
_FAMILY = "adapters/test_stainless_family.py::"
_CLAUDE = "adapters/test_anthropic.py::"
_BEDROCK = "adapters/test_bedrock.py::"
_SPOKEN = "adapters/test_openai_realtime.py::"
_GEMINI = "adapters/test_google_genai.py::"
_BUCKETS = "test_every_token_is_in_one_bucket_in_every_shape"
_LEFT = "test_a_stream_left_early_ends_the_call"

COUNTS = {  # section 19, row by row
    "OpenAI, Azure, Groq, Together, Fireworks, Cerebras, OpenRouter, DeepSeek, Mistral: cached and reasoning inside": (
        _HOSTS + "test_every_token_is_in_one_bucket_by_any_hosts_words",
        _FAMILY + _BUCKETS,
        "adapters/test_mistralai.py::test_cached_tokens_are_found_where_the_sdk_does_not_declare_them",
    ),
    "OpenAI Responses and Decisions: writes for 30 minutes and 12 hours inside the input": (
        "adapters/test_openai_units.py::test_writes_to_the_cache_are_told_apart_by_their_life",
        "adapters/test_usage_map.py::test_both_times_to_live_of_openais_cache_are_kept",
    ),
    "Writer: prompt_token_details, singular": (_FAMILY + _BUCKETS,),
    "Anthropic, Bedrock Converse, Bedrock metrics: cached beside the input, by life; compaction besides": (
        _CLAUDE + _BUCKETS,
        _CLAUDE + "test_a_compaction_is_billed_besides_on_the_same_model",
        _BEDROCK + "test_converse_counts_what_is_cached_besides",
        _BEDROCK + "test_a_stream_of_a_model_s_own_json_is_merged",
    ),
    "Gemini and Vertex: thoughts beside the candidates, a tool's prompt beside the prompt": (
        _GEMINI + _BUCKETS,
        "adapters/test_vertexai.py::test_every_token_is_in_one_bucket",
    ),
    "Gemini Interactions: thoughts and tool use beside": (
        "adapters/test_google_genai_new.py::test_an_interaction_is_billed_as_it_is_told",
    ),
    "xAI: reasoning beside the completion": (
        _HOSTS + "test_every_token_is_in_one_bucket_by_any_hosts_words",
        "adapters/test_xai.py::test_reasoning_stands_beside_the_output",
    ),
    "Perplexity: reasoning and citations beside the completion": (
        _HOSTS + "test_every_token_is_in_one_bucket_by_any_hosts_words",
        "adapters/test_perplexity.py::test_reasoning_and_citations_stand_beside_the_output_and_the_stated_cost_wins",
    ),
    "Cohere: billed units, not tokens": ("adapters/test_cohere.py::test_what_is_billed_counts_and_not_the_template",),
    "LiteLLM: normalised, cached and reasoning inside, xAI's too": (
        "adapters/test_litellm.py::test_reasoning_beside_the_completion_is_inside_the_output",
        "adapters/test_litellm.py::test_one_call_is_one_span_whatever_is_beneath",
    ),
    "Ollama: prompt_eval_count and eval_count": (
        "adapters/test_ollama.py::test_the_last_line_counts_the_tokens_and_a_local_model_is_free",
    ),
    "Realtime: cached inside, by kind; a transcription at the price of its own model": (
        _SPOKEN + "test_text_sound_and_pictures_have_their_own_prices_fresh_and_cached",
        _SPOKEN + "test_what_is_said_to_a_session_is_transcribed_at_the_price_of_the_transcriber",
    ),
    "When unsure the total decides": (
        "adapters/test_usage_map.py::test_the_providers_own_total_decides_whether_reasoning_is_inside",
        "adapters/test_usage_map.py::test_a_total_may_show_that_thoughts_were_inside_after_all",
        _GEMINI + "test_thoughts_that_are_inside_the_candidates_count_once",
    ),
    "The cost that the provider states wins: OpenRouter, xAI, Perplexity, DeepInfra, Together video, LiteLLM": (
        _HOSTS + "test_what_a_host_says_it_charges_is_the_cost",
        "adapters/test_openrouter.py::test_the_stated_cost_wins",
        "adapters/test_xai.py::test_the_stated_charge_is_in_ticks",
        "adapters/test_together.py::test_a_video_is_billed_once_at_the_cost_it_tells_when_it_is_done",
        "adapters/test_litellm.py::test_litellms_own_price_is_for_models_that_no_list_has",
    ),
}
PITFALLS = {  # section 20, point by point
    "Streams left early, closed, dropped or never iterated end once": (
        _LIVES + "test_a_stream_lives_as_without_us_and_is_told_once",
        _LIVES + "test_a_stream_that_ends_badly_is_told_once",
        _LIVES + "test_a_program_may_leave_while_the_provider_is_silent",
        _CONFORMANCE,
        _FAMILY + _LEFT,
        "adapters/test_mistralai.py::" + _LEFT,
        "adapters/test_ai21.py::" + _LEFT,
        "adapters/test_ollama.py::" + _LEFT,
        "adapters/test_cohere.py::" + _LEFT,
        _BEDROCK + "test_a_stream_that_is_left_early_is_told_once",
    ),
    "No detach in another context": (_HERE + "test_a_stream_that_another_task_ends_detaches_nothing",),
    "Raw responses are read, and are what they were": (
        _FAMILY + "test_a_raw_response_is_read_as_the_host_reads_it",
        _CLAUDE + "test_raw_responses_are_read_when_the_program_reads_them",
        _OPENAI,
        "adapters/test_frameworks.py::test_langchain_openai",
        "adapters/test_frameworks.py::test_langchain_anthropic",
    ),
    "Sentinels are absent": (_HERE + "test_what_says_not_given_is_not_given",),
    "One call is one span and one cost, whatever is on top or beneath": (
        "adapters/test_frameworks.py::test_langchain_openai",
        "adapters/test_frameworks.py::test_openai_agents",
        "adapters/test_litellm.py::test_one_call_is_one_span_whatever_is_beneath",
        "adapters/test_litellm.py::test_embeddings_are_one_call_though_they_go_through_the_client_itself",
        "adapters/test_cohere.py::test_many_texts_are_one_call_for_each_request_that_is_billed",
        "telemetry/test_enrichment.py::test_a_layer_that_lost_its_context_is_known_by_the_response",
        "interop/test_peers.py::test_a_call_is_one_span_with_our_cost_and_is_counted_once",
        _HERE + "test_who_suppresses_instrumentation_gets_none",
    ),
    "Usage is asked for without the program seeing it, and never against its word": (
        _HERE + "test_a_program_that_takes_the_first_choice_of_every_chunk_goes_on_doing_so",
        _HERE + "test_a_host_that_may_refuse_the_question_for_usage_is_not_asked",
        "adapters/test_regolo.py::test_usage_is_read_though_the_program_only_gets_the_text",
        "adapters/test_fireworks.py::test_a_stream_is_not_asked_for_what_it_tells_anyway",
        _OPENAI,
    ),
    "Without usage there is a local count, marked as an estimate": (
        "tokens/test_plugin.py::test_an_answer_without_usage_is_counted_by_the_models_own_tokenizer",
        "tokens/test_plugin.py::test_a_stream_left_early_is_counted_and_marked_partial",
    ),
    "Anthropic's cache tokens are not dropped, nor are a stream's counts added up": (
        _HERE + "test_anthropics_cached_input_is_not_dropped_and_a_streams_output_is_not_added_up",
        "pricing/test_billing_rules.py::test_2_the_last_cumulative_usage_of_a_stream_is_what_is_billed",
    ),
    "Gemini's thoughts are output, and every hop is billed": (
        _GEMINI + _BUCKETS,
        _GEMINI + "test_every_hop_of_automatic_function_calling_is_billed",
        _HERE + "test_every_hop_of_automatic_function_calling_is_billed_where_the_program_sees_the_last",
    ),
    "Bedrock's opaque ARNs have no price, unless the user names the model": (
        _BEDROCK + "test_a_name_that_only_its_owner_can_resolve_has_no_price",
    ),
    "What was imported or bound before is seen": (
        "adapters/test_litellm_new.py::test_a_function_that_was_imported_before_is_seen",
        "adapters/test_ollama.py::test_functions_that_were_taken_before_are_seen",
        "adapters/test_regolo.py::test_usage_is_read_though_the_program_only_gets_the_text",
        "adapters/test_replicate.py::test_time_and_tokens_of_a_finished_prediction_are_counted",
        "adapters/test_cohere.py::test_a_client_made_before_is_seen",
        _FAMILY + "test_a_method_bound_before_is_seen_and_nothing_after",
        _BEDROCK + "test_a_client_that_was_made_before_is_seen",
        _HERE + "test_functions_that_a_platforms_class_took_at_import_are_seen",
    ),
    "No version is too new, and what is renamed leaves the rest at work": (
        _HERE + "test_a_newer_version_is_never_refused",
        _HERE + "test_what_a_newer_version_has_renamed_leaves_the_rest_at_work",
    ),
    "Subclasses, replaced methods, and wrappers of other tools": (
        _HERE + "test_a_subclass_and_a_method_set_on_an_instance_are_seen_once",
        _HERE + "test_a_wrapped_method_is_to_inspect_what_it_was",
        "adapters/test_instructor.py::test_each_attempt_is_one_priced_span",
        "test_instrumentors.py::test_a_wrapper_of_another_tool_on_top_of_ours_stays_and_ours_passes_through",
    ),
    "What the program gets is the SDK's own object": (
        _HERE + "test_an_answer_is_the_sdks_own_and_can_be_copied_and_pickled",
        _OPENAI,
        _CONFORMANCE,
    ),
    "Errors that are billed, and retries inside the SDK": (
        _HERE + "test_an_incomplete_answer_is_billed",
        "pricing/test_billing_rules.py::test_39_what_an_answer_reported_before_its_error_is_billed",
        _CLAUDE + "test_an_error_within_a_stream_bills_what_was_told",
        _FAMILY + "test_retries_inside_the_sdk_are_one_call",
    ),
    "What is retrieved or polled again is billed once": (
        "adapters/test_openai_units.py::test_a_background_response_is_billed_when_it_first_tells_its_usage",
        "adapters/test_openai_units.py::test_what_was_billed_when_it_was_made_is_not_billed_again",
        "adapters/test_perplexity.py::test_an_answer_fetched_later_is_billed_once",
        "adapters/test_together.py::test_a_video_is_billed_once_at_the_cost_it_tells_when_it_is_done",
        "adapters/test_google_genai_new.py::test_an_interaction_in_the_background_is_billed_by_the_poll_that_finds_it_done",
        _CLAUDE + "test_results_read_again_are_not_billed_again",
    ),
    "Batches are billed later, at half the price": (
        _HOSTS + "test_a_batch_is_billed_at_half_the_price_once_however_often_it_is_asked_for",
        "adapters/test_openai_batches.py::test_a_batch_is_billed_as_its_file_of_results_is_read_first",
        _CLAUDE + "test_a_batch_s_results_are_billed_as_they_are_read_at_the_batch_price",
        "pricing/test_billing_rules.py::test_6_fast_doubles_us_adds_a_tenth_batch_halves",
    ),
    "Switched off, every original is put back": (
        "test_instrumentors.py::test_off_is_off_every_original_is_put_back_by_identity",
        "conformance/test_faults.py::test_off_puts_back_every_original_by_identity",
    ),
}
PROVED = {**COUNTS, **PITFALLS}
