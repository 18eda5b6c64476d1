"""Is this the passkey that was registered here? The two ceremonies of WebAuthn, with what this site expects of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from fastapi import Request
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from azaward.store import second_factor
from azaward.store.accounts import User
from azaward.store.second_factor import Passkey
from azaward.web.access.entrance import origin
from azaward.web.shared.room import room_of

REFUSED = "This passkey is not known here, or its answer came too late. Try again, or sign in with your password."


def to_register(request: Request, user: User, held: Sequence[Passkey]) -> tuple[str, str]:
    """What the browser needs to make a passkey, and the challenge to keep."""
    options = generate_registration_options(
        rp_id=_site(request),
        rp_name="azaward",
        user_id=_handle(user),
        user_name=user.login,
        user_display_name=user.name,
        exclude_credentials=[PublicKeyCredentialDescriptor(passkey.credential_id) for passkey in held],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def registered(request: Request, credential: str, challenge: str) -> VerifiedRegistration | None:
    """The passkey that the browser made for this challenge; None where it isn't right."""
    try:
        return verify_registration_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=_site(request),
            expected_origin=origin(request),
        )
    except (WebAuthnException, ValueError):
        return None


def to_authenticate(request: Request, held: Sequence[Passkey] | None) -> tuple[str, str]:
    """What the browser needs to use a passkey: one of these, or (None) any of this site that knows its owner."""
    options = generate_authentication_options(
        rp_id=_site(request),
        allow_credentials=[PublicKeyCredentialDescriptor(passkey.credential_id) for passkey in held or ()],
        user_verification=(
            # As a second step the password was given already: to have it in one's hand is enough.
            UserVerificationRequirement.REQUIRED if held is None else UserVerificationRequirement.DISCOURAGED
        ),
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def authenticated(request: Request, credential: str, challenge: str, user: User | None = None) -> User | None:
    """Whose passkey answered this challenge; None where the answer isn't right.

    Without a password (`user` is None) the passkey must have checked who holds it; else it must be this user's.
    """
    try:
        raw = json.loads(credential)
        passkey = second_factor.passkey(room_of(request).store, base64url_to_bytes(str(raw["rawId"])))
        if passkey is None:
            return None
        key, owner = passkey
        if owner.disabled or (user is not None and owner.id != user.id):
            return None
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=_site(request),
            expected_origin=origin(request),
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=user is None,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    return owner if second_factor.use_passkey(room_of(request).store, key, verified.new_sign_count) else None


def _site(request: Request) -> str:
    return request.url.hostname or ""


def _handle(user: User) -> bytes:
    return user.id.to_bytes(8, "big")
