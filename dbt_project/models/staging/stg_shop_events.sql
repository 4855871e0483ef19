-- Events of the web shop up to and including the date of the segments; events without a time are kept.
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
