-- Events up to and including the date of the segments.
select
    event_id,
    customer_id,
    event,
    happened_at,
    amount,
    currency
from {{ source('raw', 'events') }}
where happened_at < {{ as_of() }} + 1
