select
    customers.customer_id,
    customers.email,
    customers.billing_email,
    customers.phone,
    customers.country,
    customers.device_id,
    customers.plan,
    customers.cancelled_on,
    consents.granted as marketing_consent
from {{ ref('stg_customers') }} as customers
left join {{ ref('stg_consents') }} as consents
    on consents.customer_id = customers.customer_id and consents.channel = 'advertising'
where customers.cancelled_on > {{ as_of() }} - 90
    and customers.cancelled_on <= {{ as_of() }}
