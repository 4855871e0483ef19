{#-
    Fails when a model's rows are less than `at_least` or more than `at_most` of the rows of `whole` (shares, 0 to 1).
    A segment that a broken join emptied or doubled is caught before anything is sent.
-#}
{% test share_of(model, whole, at_least, at_most) %}

with counted as (
    select
        (select count(*) from {{ model }}) as part_rows,
        (select count(*) from {{ whole }}) as whole_rows
)

select part_rows, whole_rows
from counted
where part_rows < {{ at_least }} * whole_rows or part_rows > {{ at_most }} * whole_rows

{% endtest %}
