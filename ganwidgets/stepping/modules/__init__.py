"""Operations on a network's module: tensors, buffers, copies, averages, its calling convention."""
