import { busConformance } from "@banyan/conformance/bus";
import { InProcessNetwork, type InProcessOptions } from "@banyan/kernel/bus";

const setUp = (options?: InProcessOptions) => async () => {
  const network = new InProcessNetwork(options);
  return {
    createBus: () => network.createBus(),
    interrupt: (one: { id: string }, other: { id: string }) => network.interrupt(one.id, other.id),
    close: async () => {},
  };
};

busConformance("the network within a process", setUp());

busConformance(
  "the network within a process, cut into pieces of up to 7 bytes",
  setUp({ traits: { keepsBatches: false }, piecesOf: ({ length }) => Math.ceil(length / 7) }),
);

busConformance("the network within a process that delivers everything twice", setUp({ isDoubled: () => true }));
