-- What happened up to and including the day the segments are of.
select
    event_id,
    customer_id,
    event,
    happened_at,
    amount,
    currency
from {{ source('raw', 'events') }}
where happened_at < {{ as_of() }} + 1
