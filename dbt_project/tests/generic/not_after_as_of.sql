{#- Fails for each row whose day or moment lies after the day the segments are of. Null passes. -#}
{% test not_after_as_of(model, column_name) %}

select {{ column_name }}
from {{ model }}
where cast({{ column_name }} as date) > {{ as_of() }}

{% endtest %}
