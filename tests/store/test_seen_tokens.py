"""A token id is good once, whoever asks and however many at once."""

import threading
from datetime import timedelta

from cdshooks.store.seen_tokens import forget_expired, use_once
from tests.store_samples import NOW

AT_ONCE, ROUNDS = 8, 5


def test_aut_07_of_many_uses_at_once_exactly_one_is_the_first(store):
    store.prepare()
    for number in range(ROUNDS):
        answers, start = [], threading.Barrier(AT_ONCE)

        def use(jti=f"id-{number}", answers=answers, start=start):
            start.wait()
            answers.append(use_once(store, issuer="https://ehr.example.org", jti=jti, expires_at=NOW))

        threads = [threading.Thread(target=use) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [False] * (AT_ONCE - 1) + [True]


def test_aut_07_the_same_id_of_two_issuers_is_two_ids(store):
    assert use_once(store, issuer="https://a.example.org", jti="1", expires_at=NOW)
    assert use_once(store, issuer="https://b.example.org", jti="1", expires_at=NOW)
    assert not use_once(store, issuer="https://a.example.org", jti="1", expires_at=NOW)


def test_aut_07_ids_are_forgotten_when_their_token_has_expired_and_not_before(store):
    use_once(store, issuer="https://a.example.org", jti="old", expires_at=NOW - timedelta(seconds=1))
    use_once(store, issuer="https://a.example.org", jti="young", expires_at=NOW)
    assert forget_expired(store, now=NOW) == 1
    assert not use_once(store, issuer="https://a.example.org", jti="young", expires_at=NOW)
    assert use_once(store, issuer="https://a.example.org", jti="old", expires_at=NOW)
