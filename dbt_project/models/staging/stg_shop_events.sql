-- What the web shop saw up to and including the day the segments are of; an event of unknown time is kept.
select
    order_number,
    customer_id,
    event,
    happened_at,
    amount,
    currency,
    category,
    page
from {{ source('raw', 'shop_events') }}
where happened_at is null or happened_at < {{ as_of() }} + 1
