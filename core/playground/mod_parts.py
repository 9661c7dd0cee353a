"""The parts of a generated mod, as Python source. `core/playground/mod_source.py` puts them together.

A mod runs in the engine, on Python 3.13 with the standard library and quote_mod_sdk. Texts of users are constants above
these parts, so the parts are the same for everyone.
"""

STATES = '''\
MOST_REQUESTS = 256
states = OrderedDict()


def find_state(request_id):
    """Return the state of a request. The least recently active request is removed."""
    state = states.pop(request_id, None) or State()
    states[request_id] = state
    if len(states) > MOST_REQUESTS:
        states.popitem(last=False)
    return state
'''

PLAIN_STATE = '''\
class State:
    """The state of a request: a count, and whether the text is due or was injected."""

    def __init__(self):
        self.count = 0
        self.is_due = False
        self.is_done = False
'''

TAIL_STATE = '''\
class State:
    """The state of a request: its newest tokens in `tokens`, and their text.

    `seen` characters of the text were searched before. Matches start at `start` or later.
    """

    def __init__(self):
        self.count = 0
        self.is_due = False
        self.is_done = False
        self.is_inside = not SECTION
        self.restart()

    def restart(self):
        """Forget the text, for example because other tokens were forced after it."""
        self.tokens, self.text, self.start, self.seen = [], "", 0, 0
        self.half, self.waited = -1, 0

    def add(self, tokenizer, tokens):
        """Append tokens, and return whether the text ends with a whole character.

        Part of a character decodes to U+FFFD until the rest arrives, within at most three more tokens.
        """
        if len(self.tokens) > 2 * MOST_TOKENS:
            self.trim(tokenizer)
        self.tokens += tokens
        self.text = tokenizer.decode(self.tokens)
        half = len(self.text.rstrip("\\ufffd")) if self.text.endswith("\\ufffd") else -1
        self.half, self.waited = half, self.waited + 1 if half == self.half else 1
        return half < 0 or self.waited > 3

    def trim(self, tokenizer):
        """Forget the oldest tokens, up to the start of a character."""
        for first in range(len(self.tokens) - MOST_TOKENS, len(self.tokens)):
            rest = tokenizer.decode(self.tokens[first:])
            if self.text.endswith(rest):
                gone = len(self.text) - len(rest)
                self.tokens = self.tokens[first:]
                self.start, self.seen = max(self.start - gone, 0), max(self.seen - gone, 0)
                self.half = max(self.half - gone, -1)
                return

    def find_cut(self, tokenizer, position):
        """Return how many tokens end at or before a position of the text, and the length of their text."""
        for kept in range(len(self.tokens) - 1, 0, -1):
            text = tokenizer.decode(self.tokens[:kept])
            if len(text) <= position and self.text.startswith(text):
                return kept, len(text)
        return 0, 0

    def replace(self, tokenizer, actions, edits):
        """Remove the tokens that the edits (from, to, text) touch, and force the edited text in their place."""
        kept, position = self.find_cut(tokenizer, edits[0][0])
        text = ""
        for start, end, replacement in edits:
            text += self.text[position:start] + replacement
            position = end
        behind = self.text[position:]
        steps = len(self.tokens) - kept
        tokens = list(tokenizer.encode(text + behind, add_special_tokens=False))
        self.tokens[kept:] = tokens
        self.text = tokenizer.decode(self.tokens)
        self.start, self.seen = max(len(self.text) - len(behind), 0), len(self.text)
        return actions.backtrack(steps=steps, tokens=tokens)
'''

FORCE = '''\
def force_once(state, actions, tokenizer):
    """Force the injection in place of the token of this step."""
    if state.is_done or not state.is_due:
        return None
    state.is_done = True
    return actions.force_tokens(tokens=list(tokenizer.encode(INJECTION, add_special_tokens=False)))
'''

START = """\
@mod
def playground_mod(event, actions, tokenizer):
    if not isinstance(event, ForwardPass):
        return None
    state = find_state(event.request_id)
    state.is_due = True
    return force_once(state, actions, tokenizer)
"""

COUNTED = """\
@mod
def playground_mod(event, actions, tokenizer):
    if isinstance(event, ForwardPass):
        return force_once(find_state(event.request_id), actions, tokenizer)
    if isinstance(event, Added) and not event.forced:
        state = find_state(event.request_id)
        state.count += count(event.added_tokens, tokenizer)
        state.is_due = state.count >= COUNT
    return None
"""

COUNT_TOKENS = '''\
def count(tokens, tokenizer):
    """Return the number of tokens."""
    return len(tokens)
'''

COUNT_SENTENCES = '''\
def count(tokens, tokenizer):
    """Return the number of characters that end a sentence."""
    return sum(tokenizer.decode(list(tokens)).count(mark) for mark in ".!?")
'''

BEHIND_TAG = '''\
@mod
def playground_mod(event, actions, tokenizer):
    if isinstance(event, ForwardPass):
        return force_once(find_state(event.request_id), actions, tokenizer)
    if not isinstance(event, Added):
        return None
    state = find_state(event.request_id)
    if state.is_done or state.is_due:
        return None
    if event.forced:
        state.restart()
    elif state.add(tokenizer, event.added_tokens):
        position = state.text.find(TAG)
        if position >= 0:
            return inject_behind(state, actions, tokenizer, position + len(TAG))
    return None


def inject_behind(state, actions, tokenizer, position):
    """Inject at a position of the text: in the next step if the text ends there."""
    if position == len(state.text):
        state.restart()
        state.is_due = True
        return None
    action = state.replace(tokenizer, actions, [(position, position, INJECTION)])
    state.restart()
    state.is_done = True
    return action
'''

COUNTED_SINCE_TAG = '''\
@mod
def playground_mod(event, actions, tokenizer):
    if isinstance(event, ForwardPass):
        return force_once(find_state(event.request_id), actions, tokenizer)
    if not isinstance(event, Added):
        return None
    state = find_state(event.request_id)
    if state.is_done:
        return None
    if event.forced:
        state.restart()
    else:
        state.count += count_since_tag(state, event.added_tokens, tokenizer)
        state.is_due = state.count >= COUNT
    return None


def count_since_tag(state, tokens, tokenizer):
    """Return how many of the new tokens count: all after the tag, and the one that completes it."""
    state.add(tokenizer, tokens)
    number = len(tokens)
    if not state.count:
        position = state.text.find(TAG)
        if position < 0:
            return 0
        state.start = position + len(TAG)
        while number > 1 and TAG not in tokenizer.decode(state.tokens[: 1 - number]):
            number -= 1
    if UNTIL and UNTIL in state.text[state.start :]:
        state.is_done = True
    return number
'''

BEFORE_END = '''\
MARKERS = ("<|eot_id|>", "<|end|>", "</s>", "<|im_end|>")


@mod
def playground_mod(event, actions, tokenizer):
    if not isinstance(event, Added):
        return None
    state = find_state(event.request_id)
    if state.is_done:
        return None
    if event.forced:
        state.restart()
        return None
    tokens = list(event.added_tokens)
    if not state.is_inside:
        state.add(tokenizer, tokens)
        state.is_inside = SECTION in state.text
    steps, before = find_marker(tokens, tokenizer)
    if not steps or not state.is_inside:
        return None
    state.restart()
    state.is_done = True
    return actions.backtrack(steps=steps, tokens=list(tokenizer.encode(before + INJECTION, add_special_tokens=False)))


def find_marker(tokens, tokenizer):
    """Return the smallest number of last tokens that contain an end-of-turn marker, and their text before it."""
    for steps in range(1, len(tokens) + 1):
        text = tokenizer.decode(tokens[-steps:])
        positions = [text.find(marker) for marker in MARKERS if marker in text]
        if positions:
            return steps, text[: min(positions)]
        if tokens[-steps] == getattr(tokenizer, "eos_token_id", None):
            return steps, ""
    return 0, ""
'''

REPLACED = '''\
@mod
def playground_mod(event, actions, tokenizer):
    if not isinstance(event, Added):
        return None
    state = find_state(event.request_id)
    if state.is_done:
        return None
    if event.forced:
        state.restart()
        return None
    if not state.add(tokenizer, event.added_tokens):
        return None
    edits = find_edits(state)
    state.seen = len(state.text)
    if not edits:
        return None
    state.is_done = ONCE
    return state.replace(tokenizer, actions, edits[:1] if ONCE else edits)


def find_edits(state):
    """List the replacements in the new text, as (from, to, replacement)."""
    edits = []
    tags = re.finditer("</?think>", state.text) if SECTION else ()
    for tag in tags:
        if tag.start() < state.start or tag.end() <= state.seen:
            continue
        if state.is_inside:
            edits += search(state, state.start, tag.start())
        state.is_inside, state.start = tag[0] == SECTION, tag.end()
    if state.is_inside:
        edits += search(state, state.start, len(state.text))
    return edits


def search(state, start, end):
    """Search a part of the text for phrases that end in the new text. Earlier pairs take precedence."""
    for phrase, replacement in PAIRS:
        found = state.text.find(phrase, max(start, state.seen + 1 - len(phrase)), end)
        if found >= 0:
            behind = found + len(phrase)
            edit = (found, behind, replacement)
            return [*search(state, start, found), edit, *search(state, behind, end)]
    return []
'''
