select
    events.order_number,
    events.event,
    events.happened_at,
    events.amount,
    events.currency,
    events.category,
    events.page,
    customers.email,
    customers.billing_email,
    customers.phone,
    customers.country,
    customers.device_id,
    consents.granted as marketing_consent
from {{ ref('stg_shop_events') }} as events
inner join {{ ref('stg_customers') }} as customers on customers.customer_id = events.customer_id
left join {{ ref('stg_consents') }} as consents
    on consents.customer_id = events.customer_id and consents.channel = 'advertising'
