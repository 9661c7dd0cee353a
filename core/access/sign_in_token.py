"""The token of a signed-in browser, as a kind of key."""


class SignInToken(str):
    """The token in the cookie of a signed-in browser. It stands for the key that signed in.

    A type of its own, because a token that is sent as a key is not one: only the check of a cookie's origin makes it.
    """

    __slots__ = ()
