from rest_framework.serializers import ModelSerializer

from runbooks.api.run_shapes import RunOut
from runbooks.models import Run
from tests.world import World


def test_what_is_told_of_a_run_is_what_its_declared_fields_would_tell(world: World) -> None:
    run = Run.objects.prefetch_related("step_runs").get(pk=world.executed(world.started()).pk)
    told = world.client("runner")("GET", f"/runs/{run.pk}").json()
    declared = ModelSerializer.to_representation(RunOut(run, context={"output_of": {run.pk}}), run)
    assert told == {
        name: value if name != "containment" else run.step_runs.all()[0].containment for name, value in declared.items()
    }
