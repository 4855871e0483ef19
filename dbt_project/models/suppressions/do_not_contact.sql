select
    customers.customer_id,
    customers.email,
    customers.phone,
    customers.country,
    consents.changed_at as refused_at
from {{ ref('stg_consents') }} as consents
inner join {{ ref('stg_customers') }} as customers
    on customers.customer_id = consents.customer_id
where
    consents.channel = 'newsletter'
    and not consents.granted
    and consents.changed_at >= {{ as_of() }} - 90
