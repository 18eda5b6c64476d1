"""Signing in through the hospital's identity provider: OpenID Connect's code flow with PKCE, state and nonce.

The provider says who somebody is; whether they have an account here is the clinic's to say, so nobody is made on the
fly. An account is known by the provider and its subject; the first time, by a verified e-mail for which an
administrator made an account that waits for it.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import warnings
from collections.abc import Mapping
from typing import Annotated, Any

import httpx
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.oidc.core import CodeIDToken
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from azaward.store import accounts
from azaward.store.accounts import User
from azaward.web.access import sealed
from azaward.web.access.entrance import home, let_in, origin, path_of
from azaward.web.shared.answer import failed
from azaward.web.shared.room import OpenIDConnect, now, room_of
from azaward.web.shared.who import COOKIE, Visitor, anyone

with warnings.catch_warnings():
    # Authlib would rather have httpx's successor; azaward moves when its other libraries do.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.httpx_client import OAuth2Client

router = APIRouter(tags=["signing in"])
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_WAIT_S, _LEEWAY_S = 10, 60
_TITLE = "The hospital's sign-in"
_UNREACHABLE = "The hospital's sign-in can't be reached now. Try again later, or sign in with a password."
_BROKEN = (
    "The hospital's sign-in gave an answer that can't be trusted. Begin again; if it stays so, tell whoever runs it."
)
_log = logging.getLogger("azaward")


class _ProviderError(Exception):
    """The provider can't be reached or can't be trusted; the message is for the user."""


@router.get("/sign-in/oidc", summary="Goes to the hospital's identity provider")
def go(
    request: Request, who: Annotated[Visitor, anyone], next: Annotated[str, Query(max_length=2000)] = ""
) -> Response:
    """With a state, a nonce and a PKCE verifier that this browser brings back."""
    provider = room_of(request).settings.oidc
    if provider is None:
        return _refused(request, 404, "This azaward isn't tied to a hospital's sign-in. Sign in with a password.")
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce")}
    kept |= {"verifier": secrets.token_urlsafe(48), "next": path_of(next)}
    try:
        about = _about(provider)
    except _ProviderError as error:
        return _refused(request, 502, str(error))
    with _client(request, provider) as client:
        address, _ = client.create_authorization_url(
            str(about["authorization_endpoint"]), kept["state"], kept["verifier"], nonce=kept["nonce"]
        )
    response = RedirectResponse(address, 303)
    sealed.seal(request, response, "oidc", kept)
    return response


@router.get("/sign-in/oidc/back", summary="Comes back from the hospital's identity provider")
def back(
    request: Request,
    who: Annotated[Visitor, anyone],
    state: Annotated[str, Query(max_length=1000)] = "",
    code: Annotated[str, Query(max_length=10_000)] = "",
    error: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """Signs in whom the provider names, if the clinic has made them an account."""
    provider, kept = room_of(request).settings.oidc, sealed.unseal(request, "oidc")
    if provider is None or kept is None or not hmac.compare_digest(str(kept["state"]).encode(), state.encode()):
        return _refused(request, 400, "This sign-in wasn't begun in this browser, or it took too long. Begin again.")
    if not sealed.first_time(request, str(kept["state"])):
        return _refused(request, 400, "This sign-in was finished already. Begin again.")
    if error or not code:
        return _refused(request, 401, "The hospital's sign-in didn't let you in. Begin again, or ask whoever runs it.")
    try:
        about = _about(provider)
        claims = _claims(request, provider, about, code, kept)
    except _ProviderError as problem:
        return _refused(request, 502, str(problem))
    user = _known(request, provider, claims)
    if user is None or user.disabled:
        said = str(claims.get("email") or claims["sub"])
        accounts.note_failure(room_of(request).store, str(claims.get("email") or ""), "identity provider")
        line = f"The hospital knows you as {said}, but there is no account for you here that is in use. "
        return _refused(request, 403, line + "Ask your clinic's azaward administrator to make one for that e-mail.")
    return _enter(request, user, claims, str(kept["next"]))


def _enter(request: Request, user: User, claims: Mapping[str, Any], to: str) -> Response:
    """A second factor that was set up here is asked for, unless the provider says that it asked for one (RFC 8176)."""
    methods = claims.get("amr")
    asked = isinstance(methods, list) and "mfa" in methods
    whole = asked or not user.has_second_factor
    step: dict[str, Any] = {"provider's second factor": True} if asked else {} if whole else {"next": to}
    store, old = room_of(request).store, request.cookies.get(COOKIE)
    token = accounts.begin(store, user, whole, now(), "identity provider", instead_of=old, step=step)
    response = let_in(request, token, (path_of(to) or home(user)) if whole else "/sign-in/second")
    sealed.unset(response, "oidc")
    return response


def _known(request: Request, provider: OpenIDConnect, claims: Mapping[str, Any]) -> User | None:
    store, subject = room_of(request).store, f"{provider.issuer} {claims['sub']}"
    if (user := accounts.by_subject(store, subject)) is not None:
        return user
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return None
    return accounts.link_subject(store, email, subject)


def _about(provider: OpenIDConnect) -> Mapping[str, Any]:
    """What the provider publishes of itself; it must call itself what the settings call it."""
    about = _get(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if about.get("issuer") != provider.issuer:
        _log.error("the identity provider calls itself %r, the settings %r", about.get("issuer"), provider.issuer)
        raise _ProviderError(_BROKEN)
    missing = [name for name in ("authorization_endpoint", "token_endpoint", "jwks_uri") if not about.get(name)]
    if missing:
        _log.error("the identity provider doesn't publish its %s", ", ".join(missing))
        raise _ProviderError(_BROKEN)
    return about


def _claims(
    request: Request, provider: OpenIDConnect, about: Mapping[str, Any], code: str, kept: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What the provider's signed ID token says."""
    try:
        with _client(request, provider) as client:
            given = client.fetch_token(
                str(about["token_endpoint"]), code=code, code_verifier=kept["verifier"], grant_type="authorization_code"
            )
        keys = KeySet.import_key_set(_get(str(about["jwks_uri"])))  # pyright: ignore[reportArgumentType]
        token = jwt.decode(str(given["id_token"]), keys, algorithms=_ALGORITHMS)
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
            },
            {"nonce": kept["nonce"], "client_id": provider.client_id, "access_token": given.get("access_token")},
        )
        claims.validate(leeway=_LEEWAY_S)
    except (OAuthError, JoseError, httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        _log.error("the identity provider's answer was refused: %s", error)
        raise _ProviderError(_BROKEN) from None
    return claims


def _get(address: str) -> dict[str, Any]:
    try:
        answered = httpx.get(address, timeout=_WAIT_S)
        answered.raise_for_status()
        held = answered.json()
    except (httpx.HTTPError, ValueError) as error:
        _log.error("the identity provider can't be asked: %s: %s", address, error)
        raise _ProviderError(_UNREACHABLE) from None
    if not isinstance(held, dict):
        raise _ProviderError(_BROKEN)
    return held


def _client(request: Request, provider: OpenIDConnect) -> Any:
    return OAuth2Client(
        provider.client_id,
        provider.client_secret,
        scope="openid email profile",
        redirect_uri=f"{origin(request)}/sign-in/oidc/back",
        code_challenge_method="S256",
        timeout=_WAIT_S,
    )


def _refused(request: Request, status: int, line: str) -> Response:
    response = failed(request, status, line, _TITLE)
    sealed.unset(response, "oidc")
    return response
