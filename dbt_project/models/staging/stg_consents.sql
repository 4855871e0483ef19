-- One row per person and channel: the newest answer; of two given in the same second, the one with the higher number.
select
    customer_id,
    channel,
    granted,
    changed_at
from {{ source('raw', 'consents') }}
qualify row_number() over (partition by customer_id, channel order by changed_at desc, consent_id desc) = 1
