"""Signs in and lists the state bodies that the system may see."""

from tartip.registry.v1.state_body_service_pb2 import ListStateBodiesRequest
from tartip.registry.v1.state_body_service_pb2_grpc import StateBodyServiceStub
from tartip_client import Deployment, pages


def main() -> None:
    """Prints the name, the region and the title of each."""
    deployment = Deployment.from_environment()
    with deployment.channel("registry") as registry:
        bodies = StateBodyServiceStub(registry)
        for page in pages(bodies.ListStateBodies, ListStateBodiesRequest()):
            for body in page.state_bodies:
                print(f"{body.name}\t{body.region}\t{body.title.ru}")


if __name__ == "__main__":
    main()
