"""Every behaviour of the sandbox that no document of Spotify's or Google's states.

The page and ``docs/reference/sandbox.md`` show this table; a test keeps the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Assumption:
    """One invented behaviour: where it shows, what it is, and how sure we can be or how to change it."""

    area: str
    behaviour: str
    ground: str


ASSUMPTIONS = (
    Assumption(
        "Customer list",
        "Strict reading: a header of EMAIL_ID_SHA256, PHONE_NUMBER_SHA256, DEVICE_ID_SHA256 and a column each.",
        "Spotify's page on the format is not public; partners agree on these tokens. Switch: list_format.",
    ),
    Assumption(
        "Customer list",
        "Lenient reading also takes type,value rows, one column of digests without a header, and NDJSON.",
        "Single partners describe each. Off by default. Switch: list_format.",
    ),
    Assumption(
        "Customer list",
        "Quotes around cells and CRLF are accepted. A byte order mark refuses the list when reading is strict.",
        "No source.",
    ),
    Assumption(
        "Customer list",
        "Digests must be lower case; upper-case ones are passed over, or lower-cased when reading is lenient.",
        "Only lower case is ever shown.",
    ),
    Assumption(
        "Customer list",
        "A cell that is no digest is passed over, and the rest of its row counts.",
        "No source.",
    ),
    Assumption(
        "Customer list",
        "Fewer than 1,000 usable rows: a new audience ends EMPTY, a replaced one keeps its old members.",
        "One partner's page. Switch: minimum_rows.",
    ),
    Assumption(
        "Matching",
        "A steady 45 % of the digests of each type belong to a listener; a row counts if any of its digests does.",
        "Invented. Switches: email_share, phone_share, device_id_share, listener_seed.",
    ),
    Assumption(
        "Matching",
        "The size is a range a tenth of the magnitude wide, and 0 to 0 until a list serves.",
        "That it is an approximate range is documented; its width is not.",
    ),
    Assumption(
        "Status",
        "A list is processed for 6 hours of the sandbox's clock, then the audience is BOOKABLE or EMPTY.",
        "Spotify: up to three days. Switch: processing_seconds.",
    ),
    Assumption(
        "Status",
        "Audiences without a list go PROCESSING, LEARNING for a day, BOOKABLE with an invented size.",
        "The names are documented, their order is not. Switch: learning_seconds.",
    ),
    Assumption(
        "Status",
        "A replacement shows as PROCESSING with the old size, then BOOKABLE, or LIVE where it was.",
        "No source.",
    ),
    Assumption(
        "Status",
        "An audience created before its list arrives stays PROCESSING, and is EMPTY after 72 hours without one.",
        "No source. Switch: upload_timeout_seconds.",
    ),
    Assumption(
        "Audiences",
        "Creating without an upload URL for the audience_id: 404. Creating the same id again: 409.",
        "No source.",
    ),
    Assumption(
        "Audiences",
        "An id from an upload URL is no audience before it is created: 404. A replacement's id is the audience's own.",
        "No source.",
    ),
    Assumption(
        "Audiences",
        "Which fields a subtype needs; a field of another subtype, and any unknown field, is refused with 400.",
        "The document does not say.",
    ),
    Assumption(
        "Audiences",
        "LIVERAMP audiences cannot be created. Names need not be unique. A seed may be deleted before its lookalike.",
        "No source.",
    ),
    Assumption(
        "Audiences",
        "q looks at names only; * in it stands for anything. Query parameters that are not documented: 400.",
        "The document says wildcard matching. Some endpoints are known to refuse unknown parameters.",
    ),
    Assumption(
        "Access",
        "Viewers get 403 for every write; contributors and admins may do everything with audiences.",
        "The roles are documented, what each may do is not. Control: /sandbox/roles.",
    ),
    Assumption(
        "Access",
        "Terms that were not accepted: 403 for every Ads API call.",
        "One third party. Control: /sandbox/terms.",
    ),
    Assumption(
        "Access",
        "The ad account list answers nothing for a type other than BRAND_ADVERTISER; GET /businesses has paging.",
        "No source; paging is in Spotify's examples.",
    ),
    Assumption(
        "Errors",
        "Codes such as INVALID.AUDIENCE.NAME (or .DATASET, .CAPI_CONNECTION, .CAPI_TOKEN, .AD_ACCOUNT, .BUSINESS), "
        "most sentences, and the bodies of 401, 409, 413 and 429.",
        "The shape is documented, the contents are not.",
    ),
    Assumption(
        "Rate limit",
        "A sliding window of real time; the three headers are on every answer; refused requests do not count.",
        "Limit, window and headers are documented for 429. Switches: requests_per_window, window_seconds.",
    ),
    Assumption(
        "Sign-in",
        "Every refresh rotates the refresh token; the old one then answers invalid_grant at once.",
        "Documented as possible. Switches: rotate_refresh_tokens, reuse_revokes_grant.",
    ),
    Assumption(
        "Sign-in",
        "Revoking a grant stops its access tokens too. The seeded token can be refreshed without the client secret.",
        "Invented.",
    ),
    Assumption(
        "Object store",
        "Signed URLs live one hour and are signed by HMAC. Any other request than the signed POST: 403.",
        "The life is unknown, Spotify signs with RSA. Switch: upload_url_seconds.",
    ),
    Assumption(
        "Object store",
        "Any Authorization header: 400. An x-goog-* header that was not signed: 400 MalformedSecurityHeader.",
        "Inferred from Google's signing rules.",
    ),
    Assumption(
        "Object store",
        "An object over 1 GiB: 400 EntityTooLarge.",
        "The limit is one partner's; the answer is invented. Switch: maximum_object_bytes.",
    ),
    Assumption(
        "Object store",
        "A cut upload keeps whole 256 KiB quanta. A newer PUT on a session takes over from an older one.",
        "Seen in Google's client libraries, not promised.",
    ),
    Assumption(
        "Object store",
        "A chunk that leaves a gap: 503 in plain text. Cancelling a finished upload: 410.",
        "The first is recorded in Google's Java client's tests; the second is invented.",
    ),
    Assumption(
        "Event host",
        "A request is taken whole or not at all; 400 for one event at fault refuses all of them.",
        "Spotify does not say; a guess on the safe side.",
    ),
    Assumption(
        "Event host",
        'Refusals are {"message", "errors": [{"index", "field", "reason"}]}, the message a status name of gRPC.',
        "The body is documented as structured, no more. Switch: errors_name_events leaves the errors out.",
    ),
    Assumption(
        "Event host",
        "At most 1,000 events (400) and 1 MiB (413) in a request.",
        "Unknown. Switches: events_per_request, event_request_bytes.",
    ),
    Assumption(
        "Event host",
        "1,500 requests in 30 seconds for each CAPI token, with the Ads API's three headers, then 429.",
        "Unknown. Switches: event_requests_per_window, window_seconds.",
    ),
    Assumption(
        "Event host",
        "Unknown, missing and deleted tokens: 401. Another connection than the token's: 403. No slash: 404.",
        "That the connection must be the token's is documented, the answers are not.",
    ),
    Assumption(
        "Event host",
        "Times up to 5 minutes in the future are taken, and times however long ago. A time needs a zone.",
        "That times must be past is documented. Switch: maximum_event_age_seconds.",
    ),
    Assumption(
        "Event host",
        "Digests must be lower case. A device id of 64 hexadecimal digits counts as hashed: 400. Unknown fields: 400.",
        "Only lower case is ever shown; device ids are documented as raw; no source for the last.",
    ),
    Assumption(
        "Event host",
        "An event id must be printable. An amount must not be negative, and a purchase need not have one.",
        "No source; partners contradict one another on the amount.",
    ),
    Assumption(
        "Event host",
        "A currency is any three capital letters, a content category a text of up to seven digits.",
        "ISO 4217 and Google's taxonomy are documented; their lists are not kept here.",
    ),
    Assumption(
        "Events",
        "An event is known by its data set and its id forever. One that comes again is accepted and changes nothing.",
        "The scope is documented, the window is not.",
    ),
    Assumption(
        "Data sets",
        "Events show in the Ads API after 1,200 seconds, in the hour in which they first arrived, once each.",
        "Spotify: at least 20 minutes. Whether repeated ones count is unknown. Switch: diagnostics_delay_seconds.",
    ),
    Assumption(
        "Data sets",
        "Diagnostics: times in milliseconds, hours and days of UTC; datasource_id is the integration_id.",
        "The units are not documented; the id is inferred from the document's examples.",
    ),
    Assumption(
        "Data sets",
        "A data set is receiving events if one arrived within a day.",
        "No source.",
    ),
    Assumption(
        "Data sets",
        "A new data set of pixel and connection: the pixel's dataset_id is null; events are accepted, never routed.",
        "Seen by users. Removing the pixel from the data set fixes it here.",
    ),
    Assumption(
        "Data sets",
        "A fourth active token: 400. A second connection for a data set: 409. Sharing what does not exist: 400.",
        "The most tokens and the statuses are documented, what causes them is not.",
    ),
    Assumption(
        "Data sets",
        "Sharing with an ad account where the user is a viewer: 403. Names have 1 to 200 characters.",
        "No source.",
    ),
    Assumption(
        "Data sets",
        "The audiences' data sets name the events that have arrived, in lower case, and the seeded ones.",
        "The spelling is that of the document's example.",
    ),
)
