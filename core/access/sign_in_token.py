"""The token of a signed-in browser, as a kind of key."""


class SignInToken(str):
    """The token in the cookie of a signed-in browser. It represents the key that signed in.

    It has its own type, because a token sent as a key is not valid: only the check of a cookie's origin creates one.
    """

    __slots__ = ()
